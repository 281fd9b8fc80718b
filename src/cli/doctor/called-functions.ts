/**
 * The functions of Postgres that the statements call, by what fails without them: everybody may call them, unless somebody has taken that away. A test
 * compares them with docs/security.md, and that with the statements.
 */
export const CALLED_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  'every lock': [
    ...['clock_timestamp', 'current_setting', 'extract', 'hashtextextended', 'json_array_elements_text'],
    ...['json_to_recordset', 'pg_try_advisory_xact_lock', 'row_number', 'set_config', 'transaction_timestamp'],
    ...['unnest', 'version'],
  ],
  'listing and pruning': ['count', 'left', 'length'],
  'waking waiters': ['pg_listening_channels', 'pg_notify'],
  'session locks': [
    ...['current_database', 'pg_advisory_unlock', 'pg_advisory_unlock_shared', 'pg_try_advisory_lock'],
    ...['pg_try_advisory_lock_shared'],
  ],
  presence: [
    ...['bit', 'lpad', 'pg_backend_pid', 'pg_postmaster_start_time', 'pg_try_advisory_xact_lock_shared'],
    ...['starts_with', 'substr', 'to_hex'],
  ],
}
