export type { Browser, BrowserContext, Page } from 'playwright-core';
export { hasBrowser, launchBrowser } from './browser.js';
