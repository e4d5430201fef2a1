"""One cold start: `python one_cold_start.py HANDLER_FILE`, the event on standard input.

Prints the milliseconds from before the import to after it, and to after the first answer. What
this file itself imports is loaded before, for every handler alike.
"""

import importlib.util
import json
import sys
import time

event = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("handler_of_the_bench", sys.argv[1])
if spec is None or spec.loader is None:
    raise SystemExit(2)
module = importlib.util.module_from_spec(spec)

start, cpu_start = time.perf_counter(), time.process_time()
spec.loader.exec_module(module)
imported = time.perf_counter()
answer = module.handler(event, None)
answered, cpu_end = time.perf_counter(), time.process_time()

result = {
    "import": (imported - start) * 1000,
    "answer": (answered - start) * 1000,
    "cpu": (cpu_end - cpu_start) * 1000,
    "modules": len(sys.modules),
    "status": answer["statusCode"],
    "location": answer["headers"].get("location", answer["headers"].get("Location", "")),
}
sys.stdout.write(json.dumps(result))
