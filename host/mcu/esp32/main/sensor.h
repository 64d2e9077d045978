/*
 * A sensor: a task that fills a queue with frames for the model. Kconfig chooses microphone.c or
 * accelerometer.c.
 *
 * In: a queue, the model's input and rate.  Out: frames at that rate, until the device stops. The task
 * notifies the consumer after each block, and reports frames that the driver lost or failed to read to the
 * queue.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "runlet-queue.h"
#include "runlet.h"

/** Higher than the inference task's, so that the driver's buffers are emptied in time. */
enum { SENSOR_PRIORITY = 10 };

/** Name of the sensor, for the log. */
const char* sensor_name(void);

/** Checks whether the model takes the sensor's frames; logs the reason if not. */
bool sensor_fits(const struct runlet* bundle, double frame_rate);

/** Starts the task. @param consumer task to notify after each block (xTaskNotifyGive) */
esp_err_t sensor_start(struct runlet_queue* queue, const struct runlet* bundle, double frame_rate, TaskHandle_t consumer);

#endif
