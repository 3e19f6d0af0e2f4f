/* SPDX-License-Identifier: Apache-2.0 */
/* What this binary is. */
#ifndef SENDPOST_BASE_VERSION_H
#define SENDPOST_BASE_VERSION_H

extern const char sendpost_version[]; /* "0.1.0" */
extern const char sendpost_commit[];  /* abbreviated, or "unknown" when built outside of Git */

#endif
