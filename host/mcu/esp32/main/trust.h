/*
 * The keys that sign this firmware's models (model-keys.inc); none with CONFIG_RUNLET_UNSIGNED.
 */
#ifndef TRUST_H
#define TRUST_H

#include "runlet.h"

/** The trust for runlet_flash_start and runlet_open; never NULL, always the same. */
const struct runlet_trust* trust(void);

#endif
