export { startNats, type NatsOptions } from './servers/nats.js'
export { startPostgres, type PostgresOptions } from './servers/postgres.js'
export { startRedis, type RedisOptions } from './servers/redis.js'
export type { ServerProcess } from './servers/server-process.js'
