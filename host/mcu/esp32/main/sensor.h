/*
 * A sensor: a task that fills a queue with frames as the model takes them. microphone.c or accelerometer.c, by Kconfig.
 *
 * In: a queue, the model's input and rate.  Out: frames, at that rate, until the device stops; the consumer is notified after each block.
 * Frames that never came (the driver's buffers were full, a reading came too late or failed) are told to the queue, at their place.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "runlet-queue.h"
#include "runlet.h"

/** Above the inference task, which must not keep it from emptying the driver's buffers. */
enum { SENSOR_PRIORITY = 10 };

/** What it is, and what it gives: for the log. */
const char* sensor_name(void);

/** Whether the model takes what the sensor gives; else says why on the log. */
bool sensor_fits(const struct runlet* bundle, double frame_rate);

/** Starts the task. @param consumer is notified (xTaskNotifyGive) */
esp_err_t sensor_start(struct runlet_queue* queue, const struct runlet* bundle, double frame_rate, TaskHandle_t consumer);

#endif
