/*
 * The two slots for models: partitions model_0 and model_1, mapped into memory. runlet-flash.h chooses the
 * one that runs (partition model_state).
 *
 * In: flash.  Out: a checked model image, in place, without RAM for its bytes.  The console's task and the
 * inference thread both use the slots, and hold the lock meanwhile.
 */
#ifndef MODEL_H
#define MODEL_H

#include "esp_err.h"
#include "runlet-flash.h"
#include "runlet-image.h"

enum { MODEL_SLOTS = RUNLET_FLASH_SLOTS };

/** Maps both slots and chooses the one that runs. Call it once, first. @return ESP_OK or an error */
esp_err_t model_start(void);

/** Reads a slot's image. @return RUNLET_IMAGE_OK, a code of runlet-image.h, or 1 without mapped partition */
int model_read(int slot, struct runlet_image* image);

/** Locks the slots and returns them; call model_give afterwards. */
struct runlet_flash* model_take(void);
void model_give(void);

#endif
