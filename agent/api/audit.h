/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what, or wanted to, or took away what is an operator's: one line of the log for each such request, a row
 * of the journal for those of callers that were let in. */
#ifndef SENDPOST_API_AUDIT_H
#define SENDPOST_API_AUDIT_H

struct Exchange;

/* Once the exchange was answered; does nothing for other reads, and nothing the second time. What is not there (404)
 * was not changed, and guesses shall not fill the journal. `made`: the run that a trigger or a retry made, or had made
 * before; NULL: none. A verb's record names the run that it was for, whatever came of it. */
void audit(struct Exchange *exchange, const char *made);

#endif
