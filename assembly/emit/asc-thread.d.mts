import type { Worker } from 'node:worker_threads';

export function ascThread(): Worker;
