// Unpack the browser of npm @sparticuz/chromium, with the libraries that it brings for machines
// that lack them, into the temporary folder (TMPDIR).
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import chromium, { inflate } from '@sparticuz/chromium';

const package_ = dirname(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')));
await Promise.all([
  chromium.executablePath(join(package_, 'bin')),
  inflate(join(package_, 'bin', 'al2023.tar.br')),
]);
