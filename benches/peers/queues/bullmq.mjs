// BullMQ: node bullmq.mjs PORT WORKERS SECONDS. Prints how many jobs were completed in a second.
// As many producers as workers; each adds its next job when one has been completed, so that adding never runs ahead.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [port, workers, seconds] = process.argv.slice(2).map(Number);
const redis = () => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
const name = `jobs-${process.pid}`;
const queue = new Queue(name, { connection: redis(), defaultJobOptions: { removeOnComplete: true } });
const spec = { demo_url: 'https://demos.example.com/2026/11/match-730-1234567890.dem.bz2', steam64_id: '76561197960265735', round: 5 };

let completed = 0;
let over = false;
const waiting = [];
const worker = new Worker(name, async () => 'done', { connection: redis(), concurrency: workers });
worker.on('completed', () => {
  completed += 1;
  waiting.shift()?.();
});
await worker.waitUntilReady();
const produce = async () => {
  while (!over) {
    const ended = new Promise((resolve) => waiting.push(resolve));
    await queue.add('render', spec);
    await ended;
  }
};
const producers = Array.from({ length: workers }, produce);
const start = performance.now();
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
console.log(completed / ((performance.now() - start) / 1000));
over = true;
void producers;
process.exit(0);
