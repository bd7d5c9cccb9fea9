// src/q.ts
import { simulate } from '@blockyard/conformance';
import { cacheSubject } from './chunk-K3XXRJE4.js';

var from = Number(process.argv[2] ?? 0);
var n = Number(process.argv[3] ?? 200);
var steps = 0;
var t = Date.now();
var bad = 0;
var inj = 0;
var ms = 0;
for (let seed = from; seed < from + n; seed++) {
  const o = await simulate(cacheSubject, { seed });
  steps += o.steps;
  inj += o.injected;
  ms += o.simulatedMs;
  if (o.violation) {
    bad++;
    console.log(seed, o.violation.message.slice(0, 300), o.violation.cause?.stack?.split('\n').slice(1, 4).join('\n'));
    if (bad > 3) break;
  }
}
console.log({ steps, s: (Date.now() - t) / 1e3, inj, ms });
