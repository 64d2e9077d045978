"""ESPHome component that hears words from a microphone with a model that Runlet wrote as C.

The configuration lists the model's files, wake_word.h and wake_word.c, under `includes` (`runlet build --emit-c … --c-name wake_word`).
"""

from esphome import automation
import esphome.codegen as cg
from esphome.components import microphone
import esphome.config_validation as cv
from esphome.const import CONF_ID, CONF_MICROPHONE

DEPENDENCIES = ["microphone"]

CONF_ON_WAKE_WORD_DETECTED = "on_wake_word_detected"
CONF_PROBABILITY_CUTOFF = "probability_cutoff"
# Rate of every front end that a model may contain.
SAMPLE_RATE_HZ = 16000

runlet_wake_word_ns = cg.esphome_ns.namespace("runlet_wake_word")
RunletWakeWord = runlet_wake_word_ns.class_("RunletWakeWord", cg.Component)

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(RunletWakeWord),
        cv.Optional(CONF_MICROPHONE, default={}): microphone.microphone_source_schema(
            min_bits_per_sample=16, max_bits_per_sample=16, min_channels=1, max_channels=1
        ),
        cv.Optional(CONF_PROBABILITY_CUTOFF): cv.percentage,
        cv.Optional(CONF_ON_WAKE_WORD_DETECTED): automation.validate_automation(single=True),
    }
).extend(cv.COMPONENT_SCHEMA)

FINAL_VALIDATE_SCHEMA = cv.Schema(
    {
        cv.Required(CONF_MICROPHONE): microphone.final_validate_microphone_source_schema(
            "runlet_wake_word", sample_rate=SAMPLE_RATE_HZ
        )
    },
    extra=cv.ALLOW_EXTRA,
)


async def to_code(config):
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    source = await microphone.microphone_source_to_code(config[CONF_MICROPHONE])
    cg.add(var.set_microphone_source(source))
    if CONF_PROBABILITY_CUTOFF in config:
        cg.add(var.set_probability_cutoff(config[CONF_PROBABILITY_CUTOFF]))
    if CONF_ON_WAKE_WORD_DETECTED in config:
        await automation.build_automation(
            var.get_trigger(), [(cg.std_string, "wake_word")], config[CONF_ON_WAKE_WORD_DETECTED]
        )
