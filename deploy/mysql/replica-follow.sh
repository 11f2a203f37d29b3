#!/bin/bash
# Points the replica at the primary and makes it read-only. Safe to run again.
set -euo pipefail

MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --host=mysql-replica --user=root <<SQL
STOP REPLICA;
CHANGE REPLICATION SOURCE TO
  SOURCE_HOST = 'mysql-primary',
  SOURCE_PORT = 3306,
  SOURCE_USER = 'repl',
  SOURCE_PASSWORD = '${REPLICATION_PASSWORD}',
  SOURCE_SSL = 1,
  SOURCE_AUTO_POSITION = 1,
  SOURCE_CONNECT_RETRY = 1,
  SOURCE_RETRY_COUNT = 0;
SET PERSIST super_read_only = ON;
START REPLICA;
SQL
