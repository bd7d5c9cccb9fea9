export type { Control, Controls, ControlValue } from './controls.js';
export type { MapOf, PageLook, PageSource } from './source.js';
