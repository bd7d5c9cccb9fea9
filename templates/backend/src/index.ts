export { connectTemplate, createTemplate, deleteTemplate } from './connect.js';
export type { ConnectTemplateOptions, CreateTemplateOptions, TemplateOptions } from './options.js';
export { schemes } from './scheme.js';
