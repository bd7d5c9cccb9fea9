export { classOfLogKey } from './format/keys.js';
