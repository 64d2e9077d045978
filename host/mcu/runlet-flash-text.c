/** What the codes and states of runlet-flash.h say, as text. */
#include "runlet-flash.h"

const char* runlet_flash_text(int code) {
  switch (code) {
    case RUNLET_FLASH_OK: return "no error";
    case RUNLET_FLASH_USE: return "an argument of no use";
    case RUNLET_FLASH_IO: return "the flash did not take or give bytes";
    case RUNLET_FLASH_SIZE: return "no bytes, or more than a slot has";
    case RUNLET_FLASH_FLOOR: return "the sequence is not above that of a confirmed image";
    case RUNLET_FLASH_BUSY: return "an image is on trial, or a restart is due";
    case RUNLET_FLASH_OFFSET: return "bytes that do not follow those that are there";
    case RUNLET_FLASH_OTHER: return "of an image that was not begun";
    case RUNLET_FLASH_SHORT: return "not all bytes are there";
    case RUNLET_FLASH_DIGEST: return "the bytes have another SHA-256";
    case RUNLET_FLASH_IMAGE: return "not a model image of use";
    case RUNLET_FLASH_MODULE: return "the module is refused";
    case RUNLET_FLASH_ORDER: return "not in the state that this needs";
    case RUNLET_FLASH_UNPROVEN: return "it has not passed its self-test yet";
    case RUNLET_FLASH_SEQUENCE: return "the bundle's own sequence is another one than the transfer's";
    default: return "no code of the slots";
  }
}

const char* runlet_flash_state_text(uint32_t state) {
  static const char* const names[] = {"unknown", "receiving", "staged", "trial", "trying", "confirmed", "previous", "rejected"};
  return state < sizeof names / sizeof *names ? names[state] : "broken";
}
