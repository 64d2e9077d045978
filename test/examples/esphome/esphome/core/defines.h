/* The defines that ESPHome's generator writes for the platform `host` with a microphone. */
#pragma once
#define USE_HOST
#define USE_MICROPHONE
#define ESPHOME_VARIANT "host"
#define ESPHOME_LOG_LEVEL ESPHOME_LOG_LEVEL_WARN
