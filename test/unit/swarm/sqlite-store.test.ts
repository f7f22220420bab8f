import { join } from 'node:path';
import { SqliteStore } from '../../../src/swarm/index.js';
import { storeContract } from '../../support/store-contract.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();
let files = 0;

storeContract('SqliteStore', async (clock) => {
  files += 1;
  return await SqliteStore.open(join(folder, `${files}.sqlite`), { clock });
});
