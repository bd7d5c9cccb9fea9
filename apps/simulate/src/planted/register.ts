import { register } from 'node:module';

/** `node --import dist/planted/register.js dist/main.js`, with the name of a subject in `BLOCKYARD_PLANTED_BUG`. */
register('./hooks.js', import.meta.url);
