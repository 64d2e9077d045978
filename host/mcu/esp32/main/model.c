/*
 * The slots of model.h, over esp_partition.
 *
 * Slots stay mapped, because with home tile the running model fetches its weights there. Two slots take 2.4
 * MB of address space, which every chip has. Writes to a mapped partition are visible there: esp_partition
 * invalidates the cache.
 */
#include "model.h"

#include <stdio.h>

#include "esp_log.h"
#include "esp_partition.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "trust.h"

static const char* tag = "model";

/** partitions.csv: type data, custom subtypes. */
enum { SUBTYPE_MODEL = 0x40, SUBTYPE_STATE = 0x41, SECTOR = 4096 };

static const esp_partition_t* areas[MODEL_SLOTS + 1];
static struct runlet_flash flash;
static SemaphoreHandle_t lock;

static int erase(void* context, uint32_t area, uint32_t at) {
  (void)context;
  return esp_partition_erase_range(areas[area], at, SECTOR) != ESP_OK;
}
static int write(void* context, uint32_t area, uint32_t at, const void* bytes, uint32_t count) {
  (void)context;
  return esp_partition_write(areas[area], at, bytes, count) != ESP_OK;
}
static int read(void* context, uint32_t area, uint32_t at, void* bytes, uint32_t count) {
  (void)context;
  return esp_partition_read(areas[area], at, bytes, count) != ESP_OK;
}
static struct runlet_flash_device device = {.erase = erase, .write = write, .read = read, .sector_bytes = SECTOR};

static const esp_partition_t* partition(esp_partition_subtype_t subtype, const char* label) {
  const esp_partition_t* found = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, subtype, label);
  if (!found) ESP_LOGE(tag, "there is no partition %s: flash the partition table", label);
  return found;
}

esp_err_t model_start(void) {
  static StaticSemaphore_t memory;
  lock = xSemaphoreCreateMutexStatic(&memory);
  for (int slot = 0; slot < MODEL_SLOTS; slot++) {
    char label[16];
    snprintf(label, sizeof label, "model_%d", slot);
    const esp_partition_t* found = areas[slot] = partition((esp_partition_subtype_t)SUBTYPE_MODEL, label);
    esp_partition_mmap_handle_t handle;
    const void* at = NULL;
    if (!found) return ESP_ERR_NOT_FOUND;
    esp_err_t error = esp_partition_mmap(found, 0, found->size, ESP_PARTITION_MMAP_DATA, &at, &handle);
    if (error != ESP_OK) return error;
    device.mapped[slot] = at;
    if (!slot || found->size < device.slot_bytes) device.slot_bytes = found->size;
  }
  areas[MODEL_SLOTS] = partition((esp_partition_subtype_t)SUBTYPE_STATE, "model_state");
  if (!areas[MODEL_SLOTS] || areas[MODEL_SLOTS]->size < RUNLET_FLASH_RECORDS * SECTOR) return ESP_ERR_NOT_FOUND;
  return runlet_flash_start(&flash, &device, NULL, trust()) == RUNLET_FLASH_OK ? ESP_OK : ESP_FAIL;
}

int model_read(int slot, struct runlet_image* image) {
  *image = (struct runlet_image){0};
  if (slot < 0 || slot >= MODEL_SLOTS || !device.mapped[slot]) return 1;
  return runlet_image_read(image, device.mapped[slot], device.slot_bytes);
}

struct runlet_flash* model_take(void) {
  xSemaphoreTake(lock, portMAX_DELAY);
  return &flash;
}

void model_give(void) { xSemaphoreGive(lock); }
