import { MemoryStore } from '../../../src/swarm/index.js';
import { storeContract } from '../../support/store-contract.js';

storeContract('MemoryStore', async (clock) => new MemoryStore({ clock }));
