export { parseBtr1 } from './btr1.js';
export { parseCsv } from './csv.js';
export { readTrace } from './read-trace.js';
export { hasByteAddresses, type Trace } from './trace.js';
