/** Observation: diagnostics channels, key logs, qlog. */

export { CHANNELS } from './channels.js';
