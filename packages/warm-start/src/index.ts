export type { ListKind } from './format/range-list.js';
export type { WarmStartEvent } from './lists/events.js';
export type { BootProfileOptions, HotRangesOptions, WarmStartOptions } from './lists/options.js';
export { warmStart } from './warm-start.js';
