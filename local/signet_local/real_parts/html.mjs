// HTML as a tagged template: what is put in is escaped, unless it is HTML made here.
class Html {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

export const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function written(value) {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(written).join('');
  return value === undefined || value === null || value === false ? '' : escaped(value);
}

export function html(strings, ...values) {
  return new Html(strings.reduce((text, part, index) => text + written(values[index - 1]) + part));
}
