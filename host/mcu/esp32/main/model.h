/*
 * The two slots for models: partitions model_0 and model_1, mapped into memory, and which of them is used (in NVS).
 *
 * In: flash.  Out: a model image that is checked, in place; its bytes cost no RAM.
 */
#ifndef MODEL_H
#define MODEL_H

#include "esp_err.h"
#include "runlet-image.h"

enum { MODEL_SLOTS = 2 };

/** Maps both slots, once, before any task reads one. */
void model_start(void);

/** Reads a slot. @return RUNLET_IMAGE_OK, a code of runlet-image.h, or 1 where there is no such partition or it cannot be mapped */
int model_read(int slot, struct runlet_image* image);

/** Bytes of a slot's partition; 0 where there is none. */
uint32_t model_bytes(int slot);

/** The slot to try first: what was set last, else 0. */
int model_chosen(void);

/** Remembers a slot; it counts from the next start. */
esp_err_t model_choose(int slot);

#endif
