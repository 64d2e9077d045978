/*
 * The two slots for models, partitions model_0 and model_1, mapped into memory; which of them runs is runlet-flash.h's to say (partition
 * model_state).
 *
 * In: flash.  Out: a model image that is checked, in place; its bytes cost no RAM.  The console's task and the inference thread both call this:
 * whoever reads or changes the slots holds the lock.
 */
#ifndef MODEL_H
#define MODEL_H

#include "esp_err.h"
#include "runlet-flash.h"
#include "runlet-image.h"

enum { MODEL_SLOTS = RUNLET_FLASH_SLOTS };

/** Maps both slots and decides which runs, once, before any task reads one. @return ESP_OK, or why there are no slots */
esp_err_t model_start(void);

/** Reads a slot. @return RUNLET_IMAGE_OK, a code of runlet-image.h, or 1 where there is no such partition or it cannot be mapped */
int model_read(int slot, struct runlet_image* image);

/** The slots, for the one who holds them; model_give afterwards. */
struct runlet_flash* model_take(void);
void model_give(void);

#endif
