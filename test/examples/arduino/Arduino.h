/* What the sketch takes of Arduino's core, for a compiler without one: the functions' forms are those of ArduinoCore-API. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct Print {
  void begin(unsigned long baud);
  void print(const char *text);
  void print(char character);
  void println(const char *text);
  void println(double value, int digits = 2);
};
extern Print Serial;
unsigned long micros();
void delay(unsigned long ms);
