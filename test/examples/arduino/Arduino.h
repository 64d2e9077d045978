/* The functions of Arduino's core that the sketch calls, declared as in ArduinoCore-API, for a compiler
   without Arduino. */
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
