/*
 * Slots for models: what model.h promises.
 *
 * Slots stay mapped: weights of home tile are fetched from there as long as the model runs. Two slots are 2.4 MB of addresses, which every chip has.
 */
#include "model.h"

#include <stdio.h>

#include "esp_partition.h"
#include "nvs.h"

/** partitions.csv: type data, a subtype of our own. */
static const esp_partition_subtype_t subtype = (esp_partition_subtype_t)0x40;

static const void* mapped[MODEL_SLOTS];

static const esp_partition_t* partition(int slot) {
  char label[16];
  snprintf(label, sizeof label, "model_%d", slot);
  return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, subtype, label);
}

uint32_t model_bytes(int slot) {
  const esp_partition_t* found = partition(slot);
  return found ? found->size : 0;
}

void model_start(void) {
  for (int slot = 0; slot < MODEL_SLOTS; slot++) {
    esp_partition_mmap_handle_t handle;
    const esp_partition_t* found = partition(slot);
    if (found && esp_partition_mmap(found, 0, found->size, ESP_PARTITION_MMAP_DATA, &mapped[slot], &handle) != ESP_OK) mapped[slot] = NULL;
  }
}

int model_read(int slot, struct runlet_image* image) {
  *image = (struct runlet_image){0};
  if (slot < 0 || slot >= MODEL_SLOTS || !mapped[slot]) return 1;
  return runlet_image_read(image, mapped[slot], model_bytes(slot));
}

int model_chosen(void) {
  nvs_handle_t nvs;
  uint8_t slot = 0;
  if (nvs_open("runlet", NVS_READONLY, &nvs) != ESP_OK) return 0;
  if (nvs_get_u8(nvs, "slot", &slot) != ESP_OK || slot >= MODEL_SLOTS) slot = 0;
  nvs_close(nvs);
  return slot;
}

esp_err_t model_choose(int slot) {
  nvs_handle_t nvs;
  esp_err_t error = nvs_open("runlet", NVS_READWRITE, &nvs);
  if (error != ESP_OK) return error;
  error = nvs_set_u8(nvs, "slot", (uint8_t)slot);
  if (error == ESP_OK) error = nvs_commit(nvs);
  nvs_close(nvs);
  return error;
}
