"""Transactions, read sets, commit: the layer between storage and the functions that users write.

The surface that `functions`, `live` and `backend` use::

    database = Database(storage, clock=SystemClock(), entropy=SystemEntropy(), limits=DEFAULT_LIMITS,
                        flusher=InlineFlusher(storage) | ThreadFlusher(storage, loop))
    database.open()                                   # plain call; rebuilds the catalog from the storage
    tx = database.begin_query(ts=None, journal=None)  # reads at durable_ts (or ts)
    tx = database.begin_mutation()                    # reads at latest_ts, may write
    database.commit(tx, done)                         # done(CommitResult(ts | conflict | error)), see committer.py
    database.latest_ts, .durable_ts, .catalog, .statistics(), .close()
    database.add_commit_listener(fn)                  # fn(Sequence[LogEntry]), in ts order, once durable
    database.write_log.since(ts)                      # entries to walk a new subscription forward with
    database.set_retention(oldest_ts)                 # nobody reads before it any more
    change = database.prepare_schema(schema)          # SchemaChange; step() until it returns True, then finish(done);
                                                      # abandon() takes it back; raises SchemaError
    schema_change.staged_backfills(database)          # step() each, then finish_staged_backfill(database, one)

    Transaction (every method is a plain call):
      kind "query"|"mutation", begin_ts, now_ns, catalog, read_set, journal (in), next_journal (out)
      get(id, table=None, *, system=False) -> dict | None
      insert(table, value) -> id · patch(id, fields, table=None) · replace(id, value, table=None)
      delete(id, table=None)
      normalize_id(table, text, *, system=False) -> str | None
      query(table, *, system=False) -> Query          # the builder below
      begin_nested() · commit_nested() · rollback_nested()   # LIFO; each is one execution for "one paginate" too
      usage.limits                                    # may be set tighter for the time of a nested call
      metrics() -> {"documentsRead": {"used", "remaining"}, …}
      count_scheduled(argument_bytes)                 # counts one scheduled function against the limits
      system_insert(table, doc) -> id · system_get(table, id) · system_patch(table, id, fields)
      system_replace(table, id, doc) · system_delete(table, id) · system_query(table) -> Query
      close()                                         # later calls raise InvalidFunctionCall

    Query (single use, every step returns a new builder; errors have the spec's texts):
      .with_index(name, lambda q: q.eq(f, v).gt(f, v))   .full_table_scan()   .order("asc"|"desc")
      .filter(lambda q: q.eq(q.field("a"), 1))
      .collect() .take(n) .first() .unique() .paginate(options_dict) and iteration (`iter(query)`, `next(...)`)
"""
