/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

const char sendpost_version[] = SENDPOST_VERSION;
const char sendpost_commit[] = SENDPOST_COMMIT;
