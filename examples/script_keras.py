"""A Keras script that every verb of lrdecay can drive: the lines with `lrdecay` and `run` are all it takes."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from sklearn.datasets import load_digits

import lrdecay

STEPS, EPOCH, BATCH = 230, 23, 64

keras.utils.set_random_seed(0)
run = lrdecay.script(steps=STEPS, steps_per_epoch=EPOCH)
data = load_digits()
x, y = (data.data / 16).astype("float32"), data.target
train_x, train_y, test_x, test_y = x[:1437], y[:1437], x[1437:], y[1437:]

dense, dropout = keras.layers.Dense, keras.layers.Dropout
model = keras.Sequential([keras.Input((64,)), dense(64, activation="relu"), dropout(0.2), dense(10)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, metrics=["accuracy"])
model.optimizer.build(model.trainable_variables)
run.attach(model, "cosine(0.1)")


def state():
    return [*model.variables, *model.optimizer.variables]  # the seeds of dropout are among the model's


def save_ckpt(path, t):
    with open(path, "wb") as f:
        np.savez(
            f, t=t, accuracy=accuracy, **{str(i): keras.ops.convert_to_numpy(v.value) for i, v in enumerate(state())}
        )


def load_ckpt(path):
    global accuracy
    saved = np.load(path)
    accuracy = float(saved["accuracy"])
    for i, v in enumerate(state()):
        v.assign(saved[str(i)])
    return int(saved["t"])


def evaluate():
    return model.evaluate(test_x, test_y, verbose=0, return_dict=True)["accuracy"]


accuracy = evaluate()
for t in run.steps(save=save_ckpt, load=load_ckpt):
    index = np.random.randint(len(train_x), size=BATCH)
    model.reset_metrics()
    loss = model.train_on_batch(train_x[index], train_y[index], return_dict=True)["loss"]
    run.log(loss=loss, accuracy=accuracy)
    if (t + 1) % EPOCH == 0:
        accuracy = evaluate()
        print(f"step {t + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}")
