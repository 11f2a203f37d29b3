#!/bin/bash
# Run once by the image, at the primary's first start. The replica gets all of it by replication.
#   migrate  owns the tables and makes their triggers
#   app      gets its rights table by table from `manage.py grant_app_user`
#   eraser, reaper, readonly  do one job each; their rights come from the same command
#   repl     lets the replica read the log
set -euo pipefail

MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --protocol=socket --user=root <<SQL
CREATE DATABASE wallet CHARACTER SET utf8mb4;
CREATE USER 'migrate'@'%' IDENTIFIED BY '${MIGRATE_PASSWORD}';
GRANT ALL PRIVILEGES ON wallet.* TO 'migrate'@'%' WITH GRANT OPTION;
CREATE USER 'app'@'%' IDENTIFIED BY '${APP_PASSWORD}';
CREATE USER 'eraser'@'%' IDENTIFIED BY '${ERASER_PASSWORD}';
CREATE USER 'reaper'@'%' IDENTIFIED BY '${REAPER_PASSWORD}';
CREATE USER 'readonly'@'%' IDENTIFIED BY '${READONLY_PASSWORD}';
CREATE USER 'repl'@'%' IDENTIFIED BY '${REPLICATION_PASSWORD}';
GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';
SQL
