/*
 * An I2S microphone (INMP441, ICS-43434, SPH0645): left channel, 24 bits in words of 32 bits.
 *
 * In: DMA buffers of the I2S driver (driver/i2s_std.h).  Out: int16 samples in the queue. The clock runs at
 * the model's rate, so nothing is resampled.  If the task is late, the driver drops the oldest buffer; the
 * task reports the loss, since a queue has one producer.
 */
#include "driver/i2s_std.h"
#include "esp_log.h"
#include "sensor.h"

static const char* tag = "microphone";

/** Samples of a DMA buffer, 10 ms at 16 kHz; number of buffers. */
enum { BUFFER = 160, BUFFERS = 6 };

static struct {
  i2s_chan_handle_t channel;
  struct runlet_queue* queue;
  TaskHandle_t consumer;
} mic;
static uint32_t dropped; /* samples in total; written by the interrupt */

const char* sensor_name(void) { return "I2S microphone"; }

static bool IRAM_ATTR overflowed(i2s_chan_handle_t channel, i2s_event_data_t* event, void* context) {
  (void)channel;
  (void)event;
  (void)context;
  __atomic_store_n(&dropped, dropped + BUFFER, __ATOMIC_RELAXED);
  return false;
}

/** Converts a word to int16, amplified by 16 - CONFIG_RUNLET_MIC_SHIFT bits, saturated. */
static int16_t sample(int32_t word) {
  int32_t x = word >> CONFIG_RUNLET_MIC_SHIFT;
  return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static void run(void* unused) {
  (void)unused;
  static int32_t words[BUFFER];
  static int16_t samples[BUFFER];
  uint32_t reported = 0;
  for (;;) {
    size_t bytes = 0;
    esp_err_t error = i2s_channel_read(mic.channel, words, sizeof words, &bytes, pdMS_TO_TICKS(1000));
    if (error != ESP_OK) {
      ESP_LOGW(tag, "no sound: %s; check the wiring of SCK, WS and SD", esp_err_to_name(error));
      continue;
    }
    uint32_t count = (uint32_t)(bytes / sizeof *words);
    uint32_t all = __atomic_load_n(&dropped, __ATOMIC_RELAXED), lost = all - reported;
    reported = all;
    if (lost) {
      /* the current buffer may lie on either side of the gap, so it is discarded too */
      runlet_queue_missed(mic.queue, lost + count);
    } else {
      for (uint32_t i = 0; i < count; i++) samples[i] = sample(words[i]);
      /* the queue counts samples that do not fit */
      runlet_queue_put(mic.queue, samples, count);
    }
    xTaskNotifyGive(mic.consumer);
  }
}

bool sensor_fits(const struct runlet* bundle, double frame_rate) {
  const struct runlet_port* in = &bundle->inputs[0];
  bool fits = bundle->input_count == 1 && in->type == RUNLET_INT16 && in->elements == 1 && frame_rate >= 8000 && frame_rate <= 48000;
  if (!fits) ESP_LOGE(tag, "the model takes no sound of 8 to 48 kHz: build it with its front end (runlet build --front-end)");
  return fits;
}

esp_err_t sensor_start(struct runlet_queue* queue, const struct runlet* bundle, double frame_rate, TaskHandle_t consumer) {
  (void)bundle;
  mic.queue = queue;
  mic.consumer = consumer;
  i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
  channel.dma_desc_num = BUFFERS;
  channel.dma_frame_num = BUFFER;
  i2s_std_config_t config = {
      .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG((uint32_t)frame_rate),
      .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
      .gpio_cfg =
          {
              .mclk = I2S_GPIO_UNUSED,
              .bclk = (gpio_num_t)CONFIG_RUNLET_MIC_BCLK,
              .ws = (gpio_num_t)CONFIG_RUNLET_MIC_WS,
              .dout = I2S_GPIO_UNUSED,
              .din = (gpio_num_t)CONFIG_RUNLET_MIC_DATA,
          },
  };
  /* with L/R at ground the microphone sends in the left half of a frame */
  config.slot_cfg.slot_mask = I2S_STD_SLOT_LEFT;
  esp_err_t error = i2s_new_channel(&channel, NULL, &mic.channel);
  if (error == ESP_OK) error = i2s_channel_init_std_mode(mic.channel, &config);
  i2s_event_callbacks_t calls = {.on_recv_q_ovf = overflowed};
  if (error == ESP_OK) error = i2s_channel_register_event_callback(mic.channel, &calls, NULL);
  if (error == ESP_OK) error = i2s_channel_enable(mic.channel);
  if (error != ESP_OK) return error;
  return xTaskCreatePinnedToCore(run, "sensor", 4096, NULL, SENSOR_PRIORITY, NULL, 0) == pdPASS ? ESP_OK : ESP_ERR_NO_MEM;
}
