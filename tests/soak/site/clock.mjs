// The clock of a run, for Node.js processes: see sitecustomize.py. What waits goes by the machine.
const [speed, zero, began] = process.env.SOAK_CLOCK.split(' ').map(Number);
const machine = Date.now;
const now = () => Math.floor(1000 * began + (machine() - 1000 * zero) * speed);
Date.now = now;
globalThis.Date = new Proxy(Date, {
  construct: (real, given, target) => Reflect.construct(real, given.length > 0 ? given : [now()], target),
});
