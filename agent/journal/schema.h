/* SPDX-License-Identifier: Apache-2.0 */
/* The database's versions: each migration is one script, run in one transaction that also sets user_version. */
#ifndef SENDPOST_JOURNAL_SCHEMA_H
#define SENDPOST_JOURNAL_SCHEMA_H

enum { SCHEMA_VERSION = 8, APPLICATION_ID = 0x73706a31 /* "spj1" */ };

extern const char *const schema_migrations[SCHEMA_VERSION]; /* [i] leads from version i to i + 1 */

#endif
