/** Observation: diagnostics channels, key logs, qlog. */

export { CHANNELS, HTTP3_CHANNELS } from './channels.js';
