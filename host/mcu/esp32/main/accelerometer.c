/*
 * An accelerometer over I2C (MPU-6050, MPU-6500, MPU-9250, which have the same registers).
 *
 * In: readings by the i2c_master driver, one at each tick of a timer at the model's rate.
 * Out: frames x, y, z in the queue, quantised for the model. A late or failed reading is a missed frame.
 * Source: InvenSense, MPU-6000 and MPU-6050 Register Map and Descriptions, revision 4.2.
 */
#include <math.h>

#include "driver/i2c_master.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "inference.h"
#include "sensor.h"

static const char* tag = "accelerometer";

enum {
  REGISTER_FILTER = 0x1a,
  REGISTER_RANGE = 0x1c,
  REGISTER_DATA = 0x3b, /* x, y, z: two bytes each, big-endian */
  REGISTER_POWER = 0x6b,
  CLOCK_GYROSCOPE = 1, /* also clears the sleep bit */
  FILTER_44_HZ = 3,
  TIMEOUT_MS = 10
};

#if CONFIG_RUNLET_ACC_RANGE_2G
enum { RANGE = 0 };
#elif CONFIG_RUNLET_ACC_RANGE_4G
enum { RANGE = 1 };
#elif CONFIG_RUNLET_ACC_RANGE_8G
enum { RANGE = 2 };
#else
enum { RANGE = 3 };
#endif

#if CONFIG_RUNLET_ACC_METRES
static const float gravity = 9.80665f;
#else
static const float gravity = 1;
#endif

static struct {
  i2c_master_dev_handle_t device;
  struct runlet_queue* queue;
  const struct runlet_port* port;
  TaskHandle_t task, consumer;
} acc;

const char* sensor_name(void) { return "accelerometer"; }

static esp_err_t set(uint8_t which, uint8_t value) {
  uint8_t bytes[2] = {which, value};
  return i2c_master_transmit(acc.device, bytes, sizeof bytes, TIMEOUT_MS);
}

static void tick(void* unused) {
  (void)unused;
  xTaskNotifyGive(acc.task);
}

static void run(void* unused) {
  (void)unused;
  const uint8_t which = REGISTER_DATA;
  const float scale = gravity * (float)(2 << RANGE) / 32768;
  for (;;) {
    uint32_t ticks = ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    uint8_t bytes[6];
    bool read = i2c_master_transmit_receive(acc.device, &which, 1, bytes, sizeof bytes, TIMEOUT_MS) == ESP_OK;
    uint32_t lost = ticks - 1 + (read ? 0 : 1);
    if (lost) runlet_queue_missed(acc.queue, lost);
    if (!read) continue;
    int8_t frame[3];
    int16_t wide[3];
    for (int i = 0; i < 3; i++) {
      wide[i] = inference_quantise(scale * (int16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]), acc.port);
      frame[i] = (int8_t)wide[i];
    }
    runlet_queue_put(acc.queue, acc.port->type == RUNLET_INT16 ? (const void*)wide : frame, 1);
    xTaskNotifyGive(acc.consumer);
  }
}

bool sensor_fits(const struct runlet* bundle, double frame_rate) {
  const struct runlet_port* in = &bundle->inputs[0];
  bool fits = bundle->input_count == 1 && in->elements == 3 && frame_rate >= 1 && frame_rate <= 1000;
  if (!fits) ESP_LOGE(tag, "the model must take 3 elements at 1 to 1000 Hz (metadata runlet.sample_rate_hz)");
  return fits;
}

esp_err_t sensor_start(struct runlet_queue* queue, const struct runlet* bundle, double frame_rate, TaskHandle_t consumer) {
  acc.queue = queue;
  acc.port = &bundle->inputs[0];
  acc.consumer = consumer;
  i2c_master_bus_config_t bus = {
      .i2c_port = -1,
      .sda_io_num = (gpio_num_t)CONFIG_RUNLET_ACC_SDA,
      .scl_io_num = (gpio_num_t)CONFIG_RUNLET_ACC_SCL,
      .clk_source = I2C_CLK_SRC_DEFAULT,
      .glitch_ignore_cnt = 7,
      .flags.enable_internal_pullup = true,
  };
  i2c_device_config_t device = {
      .dev_addr_length = I2C_ADDR_BIT_LEN_7,
      .device_address = CONFIG_RUNLET_ACC_ADDRESS,
      .scl_speed_hz = 400000,
  };
  i2c_master_bus_handle_t handle;
  esp_err_t error = i2c_new_master_bus(&bus, &handle);
  if (error == ESP_OK) error = i2c_master_bus_add_device(handle, &device, &acc.device);
  if (error == ESP_OK) error = set(REGISTER_POWER, CLOCK_GYROSCOPE);
  if (error == ESP_OK) error = set(REGISTER_FILTER, FILTER_44_HZ);
  if (error == ESP_OK) error = set(REGISTER_RANGE, RANGE << 3);
  if (error != ESP_OK) {
    ESP_LOGE(tag, "no answer at address 0x%02x: check the wiring of SDA and SCL", CONFIG_RUNLET_ACC_ADDRESS);
    return error;
  }
  if (xTaskCreatePinnedToCore(run, "sensor", 4096, NULL, SENSOR_PRIORITY, &acc.task, 0) != pdPASS) return ESP_ERR_NO_MEM;
  const esp_timer_create_args_t timer = {.callback = tick, .name = "sensor", .dispatch_method = ESP_TIMER_TASK};
  esp_timer_handle_t made;
  error = esp_timer_create(&timer, &made);
  if (error == ESP_OK) error = esp_timer_start_periodic(made, (uint64_t)llround(1e6 / frame_rate));
  return error;
}
