/** Numbers that are only changed under a lock. */
export const COUNTERS = 3

type Family = 'sqlite' | 'postgres' | 'mysql'

/** The database's clock, in microseconds since the epoch. */
const NOW: Record<Family, string> = {
  postgres: '(extract(epoch from clock_timestamp()) * 1000000)::bigint',
  mysql: "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
  sqlite: "cast(unixepoch('subsec') * 1000000 as integer)",
}

/**
 * The tables beside that of the locks, and their statements: counters and what wrote them, locks on their way to another
 * process, and the trail: every change of a lock's row, written by a trigger, which no error of the library can go round.
 */
export class TortureTables {
  readonly #family: Family
  readonly #locks: string

  constructor(family: Family, locksTable: string) {
    this.#family = family
    this.#locks = locksTable
  }

  /** To be sent one after the other, once the table of the locks is there. */
  create(): string[] {
    const { integer, text, serial } = TYPES[this.#family]
    const counters = Array.from({ length: COUNTERS }, (_, index) => `('counter:${index + 1}', 0)`)
    return [
      `create table ${this.#locks}_counters (name ${text} primary key, value ${integer} not null)`,
      `insert into ${this.#locks}_counters (name, value) values ${counters.join(', ')}`,
      `create table ${this.#locks}_writes (op ${text} primary key, counter ${text} not null, value ${integer} not null, token ${integer} not null, tool ${text} not null, at_us ${integer} not null)`,
      `create table ${this.#locks}_handoffs (op ${text} primary key, token ${integer} not null, serialized text not null, taken_by ${text})`,
      `create table ${this.#locks}_trail (id ${serial}, lock_key ${text} not null, old_owner ${text}, old_attempt ${text}, old_token ${integer}, old_expires ${integer}, owner ${text}, attempt ${text}, token ${integer}, expires ${integer}, at_us ${integer} not null)`,
      ...TRIGGERS[this.#family](this.#locks, NOW[this.#family]),
    ]
  }

  readCounter(name: string): string {
    return `select value from ${this.#locks}_counters where name = '${name}'`
  }

  writeCounter(name: string, value: number): string {
    return `update ${this.#locks}_counters set value = ${value} where name = '${name}'`
  }

  noteWrite(write: { op: string; counter: string; value: number; token: number; tool: string }): string {
    const { op, counter, value, token, tool } = write
    return `insert into ${this.#locks}_writes (op, counter, value, token, tool, at_us) values ('${op}', '${counter}', ${value}, ${token}, '${tool}', ${NOW[this.#family]})`
  }

  putHandoff(op: string, token: number, serialized: string): string {
    return `insert into ${this.#locks}_handoffs (op, token, serialized) values ('${op}', ${token}, '${serialized}')`
  }

  findHandoff(): string {
    return `select op, token, serialized from ${this.#locks}_handoffs where taken_by is null limit 1`
  }

  takeHandoff(op: string, taker: string): string {
    return `update ${this.#locks}_handoffs set taken_by = '${taker}' where op = '${op}' and taken_by is null`
  }

  readClock(): string {
    return `select ${NOW[this.#family]} as now`
  }

  /** Rows that say that somebody holds them. */
  readHeld(): string {
    const key = this.#family === 'mysql' ? '`key`' : 'key'
    return `select ${key} as lock_key, token, held_by, expires_at from ${this.#locks} where owner is not null and expires_at > ${NOW[this.#family]}`
  }

  /** Takes the lock of every row, and does not wait for any. */
  lockAllRows(): string {
    return `select count(*) as locked from (select * from ${this.#locks} for update nowait) as rows_locked`
  }

  readCounters(): string {
    return `select name, value from ${this.#locks}_counters`
  }

  readWrites(): string {
    return `select op, counter, value, token, tool, at_us from ${this.#locks}_writes`
  }

  /** Everything that a look sees of the locks, with the time of the look. */
  readLocks(): string {
    const key = this.#family === 'mysql' ? '`key`' : 'key'
    return `select ${key} as lock_key, owner, attempt, token, expires_at, acquired_at, ${NOW[this.#family]} as now from ${this.#locks}`
  }

  readTrail(): string {
    return `select id, ${COLUMNS} from ${this.#locks}_trail`
  }
}

const TYPES: Record<Family, { integer: string; text: string; serial: string }> = {
  postgres: { integer: 'bigint', text: 'text', serial: 'bigserial primary key' },
  mysql: { integer: 'bigint', text: 'varchar(100)', serial: 'bigint primary key' },
  sqlite: { integer: 'integer', text: 'text', serial: 'integer primary key' },
}

const COLUMNS = 'lock_key, old_owner, old_attempt, old_token, old_expires, owner, attempt, token, expires, at_us'

/**
 * Marking a row as wanted, or as seen, is no change of who holds it. None on MySQL and MariaDB: where a table has a trigger, an insert there no
 * longer answers with the `last_insert_id()` that our tries learn their token by. There, the rows are looked at all the time instead.
 */
const TRIGGERS: Record<Family, (locks: string, now: string) => string[]> = {
  postgres: (locks, now) => [
    `create function ${locks}_trail() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into ${locks}_trail (${COLUMNS}) values (new.key, null, null, null, null, new.owner, new.attempt, new.token, new.expires_at, ${now});
  elsif tg_op = 'DELETE' then
    insert into ${locks}_trail (${COLUMNS}) values (old.key, old.owner, old.attempt, old.token, old.expires_at, null, null, null, null, ${now});
  elsif (old.owner, old.token, old.expires_at) is distinct from (new.owner, new.token, new.expires_at) then
    insert into ${locks}_trail (${COLUMNS}) values (new.key, old.owner, old.attempt, old.token, old.expires_at, new.owner, new.attempt, new.token, new.expires_at, ${now});
  end if;
  return null;
end $$`,
    `create trigger trail after insert or update or delete on ${locks} for each row execute function ${locks}_trail()`,
  ],
  mysql: () => [],
  sqlite: (locks, now) => [
    `create trigger ${locks}_i after insert on ${locks} begin insert into ${locks}_trail (${COLUMNS}) values (new.key, null, null, null, null, new.owner, new.attempt, new.token, new.expires_at, ${now}); end`,
    `create trigger ${locks}_d after delete on ${locks} begin insert into ${locks}_trail (${COLUMNS}) values (old.key, old.owner, old.attempt, old.token, old.expires_at, null, null, null, null, ${now}); end`,
    `create trigger ${locks}_u after update on ${locks}
when old.owner is not new.owner or old.token <> new.token or old.expires_at <> new.expires_at
begin insert into ${locks}_trail (${COLUMNS}) values (new.key, old.owner, old.attempt, old.token, old.expires_at, new.owner, new.attempt, new.token, new.expires_at, ${now}); end`,
  ],
}
