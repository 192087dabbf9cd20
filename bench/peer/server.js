// The same job on Fastify, BullMQ, Redis and PostgreSQL, as plain and as fast as that stack goes: no events, one row an
// order updated in place, two mock routers that answer after DELAY_MS (0: at once), no chain, no signature.
// `node server.js api` serves HTTP and WebSocket, `node server.js worker` executes. DATABASE_URL, REDIS_URL, PORT, CONC, POOL.
const { Queue, Worker } = require('bullmq');
const IORedis = require('ioredis');
const { Pool } = require('pg');
const { randomUUID } = require('crypto');

const PORT = +(process.env.PORT || 8200);
const DELAY = +(process.env.DELAY_MS || 0);
const CONC = +(process.env.CONC || 100);
const connect = () => new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: +(process.env.POOL || 10) });
const sleep = (ms) => (ms ? new Promise((r) => setTimeout(r, ms)) : null);

const TABLE = `create table if not exists orders(
  id uuid primary key, pair text, side text, amount numeric, type text, limit_price numeric, status text, dex text,
  tx_hash text, executed_price numeric, attempts int default 0, created_at timestamptz default now(),
  updated_at timestamptz default now())`;
const INSERT =
  'insert into orders(id,pair,side,amount,type,limit_price,status) values($1,$2,$3,$4,$5,$6,$7)';
const UPDATE = `update orders set status=$2, dex=coalesce($3,dex), tx_hash=coalesce($4,tx_hash),
  executed_price=coalesce($5,executed_price), updated_at=now() where id=$1`;
const BODY = {
  type: 'object',
  required: ['tokenIn', 'tokenOut', 'amount'],
  properties: {
    tokenIn: { type: 'string' }, tokenOut: { type: 'string' }, amount: { type: 'number' }, limitPrice: { type: 'number' },
  },
};

async function api() {
  const app = require('fastify')({ logger: false });
  await app.register(require('@fastify/websocket'));
  await pool.query(TABLE);
  const queue = new Queue('orders', { connection: connect() });
  const subscriber = connect();
  const sockets = new Map();
  subscriber.psubscribe('order:*');
  subscriber.on('pmessage', (_pattern, channel, message) => {
    const watching = sockets.get(channel.slice(6));
    if (watching) for (const one of watching) one.send(message);
  });
  app.get('/health/ready', async () => ({ status: 'ready' }));
  app.post('/api/orders/execute', { schema: { body: BODY } }, async (req) => {
    const b = req.body, id = randomUUID();
    await pool.query(INSERT, [id, b.tokenIn + '/' + b.tokenOut, 'buy', b.amount, 'limit', b.limitPrice || null, 'pending']);
    await queue.add('execute', { id, ...b }, {
      attempts: 3, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: true,
    });
    return { orderId: id, status: 'pending' };
  });
  app.get('/ws/orders/:orderId', { websocket: true }, (socket, req) => {
    const id = req.params.orderId;
    if (!sockets.has(id)) sockets.set(id, new Set());
    sockets.get(id).add(socket);
    socket.on('close', () => {
      const watching = sockets.get(id);
      watching.delete(socket);
      if (!watching.size) sockets.delete(id);
    });
    pool.query('select status from orders where id=$1', [id]).then((r) => {
      if (r.rows[0]) socket.send(JSON.stringify({ status: r.rows[0].status, timestamp: Date.now() }));
    });
  });
  await app.listen({ port: PORT, host: '127.0.0.1' });
}

async function worker() {
  const publisher = connect();
  const set = async (id, status, extra = {}) => {
    await pool.query(UPDATE, [id, status, extra.dex || null, extra.txHash || null, extra.executedPrice || null]);
    await publisher.publish('order:' + id, JSON.stringify({ status, timestamp: Date.now(), ...extra }));
  };
  const quote = async (dex, price) => {
    await sleep(DELAY);
    return { dex, price: price * (0.98 + Math.random() * 0.04) };
  };
  new Worker('orders', async (job) => {
    const { id } = job.data;
    await set(id, 'routing');
    const [a, b] = await Promise.all([quote('Raydium', 100), quote('Meteora', 100)]);
    const best = a.price < b.price ? a : b;
    await set(id, 'building', { dex: best.dex });
    await sleep(DELAY);
    await set(id, 'submitted');
    await sleep(DELAY);
    const txHash = '0x' + randomUUID().replaceAll('-', '');
    await set(id, 'confirmed', { dex: best.dex, txHash, executedPrice: best.price });
  }, { connection: connect(), concurrency: CONC });
}

({ api, worker })[process.argv[2]]().catch((error) => {
  console.error(error);
  process.exit(1);
});
