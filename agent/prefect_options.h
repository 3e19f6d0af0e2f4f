/* SPDX-License-Identifier: Apache-2.0 */
/* How the configuration says that Prefect is to be asked: by the agent, and by the commands that ask it themselves. */
#ifndef SENDPOST_PREFECT_OPTIONS_H
#define SENDPOST_PREFECT_OPTIONS_H

#include "configuration/configuration.h"
#include "prefect/client.h"

/* Its texts are the configuration's. */
PrefectOptions prefect_options_of(const Configuration *configuration);

#endif
