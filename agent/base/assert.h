/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions that stay on in release builds. They catch bugs of ours; input never reaches one. */
#ifndef SENDPOST_BASE_ASSERT_H
#define SENDPOST_BASE_ASSERT_H

/* Prints the place and the condition to standard error and aborts. */
_Noreturn void assertion_failed(const char *condition, const char *file, int line);

#define invariant(condition) ((condition) ? (void)0 : assertion_failed(#condition, __FILE__, __LINE__))

#endif
