// src/q1.ts
import { shrink, simulate } from '@blockyard/conformance';
import { cacheSubject } from './chunk-K3XXRJE4.js';

var seed = Number(process.argv[2] ?? 0);
var o = await simulate(cacheSubject, { seed }, {});
console.log(o.steps, o.hash, o.violation?.message);
if (o.violation) {
  o = await shrink(cacheSubject, o, { triesMax: 400 });
  o = await simulate(cacheSubject, o.case, { keepsLog: true });
  console.log(JSON.stringify(o.case));
  for (const s of o.script) console.log(JSON.stringify(s));
  console.log(o.log.slice(-60).join('\n'));
  console.log(o.violation?.message, o.violation?.cause);
}
