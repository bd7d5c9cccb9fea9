export type { Browser, BrowserContext, Page } from 'playwright-core';
export { hasBrowser, launchBrowser, launchProfile } from './browser.js';
