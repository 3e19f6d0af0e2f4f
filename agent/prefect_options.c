/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect_options.h"

PrefectOptions prefect_options_of(const Configuration *configuration)
{
    return (PrefectOptions){
        .api_url = configuration->prefect_api_url,
        .api_key_file = configuration->prefect_api_key_file,
        .auth_string_file = configuration->prefect_auth_string_file,
        .api_key = configuration->prefect_api_key,
        .auth_string = configuration->prefect_auth_string,
        .headers = (const char *const *)configuration->prefect_headers.items,
        .header_count = configuration->prefect_headers.count,
        .ca_file = configuration->prefect_ca_file,
        .insecure_skip_verify = configuration->prefect_insecure_skip_verify,
        .timeout_ms = configuration->prefect_timeout_ms,
        .max_concurrent_requests = (int)configuration->prefect_max_concurrent_requests,
        .poll_min_ms = configuration->prefect_poll_min_ms,
        .poll_max_ms = configuration->prefect_poll_max_ms,
    };
}
