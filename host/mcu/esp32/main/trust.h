/*
 * Whom this firmware believes: the keys that sign its models (model-keys.inc), or with CONFIG_RUNLET_UNSIGNED anybody, for development.
 */
#ifndef TRUST_H
#define TRUST_H

#include "runlet.h"

/** For runlet_flash_start and runlet_open; never NULL, and the same for good. */
const struct runlet_trust* trust(void);

#endif
