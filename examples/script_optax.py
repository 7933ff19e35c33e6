"""A JAX script that every verb of lrdecay can drive: the lines with `lrdecay` and `run` are all it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import lrdecay

STEPS, EPOCH, BATCH = 230, 23, 64

run = lrdecay.script(steps=STEPS, steps_per_epoch=EPOCH)
data = load_digits()
x, y = jnp.asarray(data.data / 16, jnp.float32), jnp.asarray(data.target)
train_x, train_y, test_x, test_y = x[:1437], y[:1437], x[1437:], y[1437:]

key, first, second = jax.random.split(jax.random.key(run.seed), 3)  # jax draws from keys alone
params = {"w1": jax.random.normal(first, (64, 64)) / 8, "w2": jax.random.normal(second, (64, 10)) / 8}
opt = optax.sgd(run.attach(optax, "cosine(0.1)"), momentum=0.9)
opt_state = opt.init(params)


def logits(params, x):
    return jax.nn.relu(x @ params["w1"]) @ params["w2"]


@jax.jit
def train_step(params, opt_state, key):
    key, drawn = jax.random.split(key)
    index = jax.random.randint(drawn, (BATCH,), 0, len(train_x))

    def loss(params):
        out = logits(params, train_x[index])
        return optax.softmax_cross_entropy_with_integer_labels(out, train_y[index]).mean()

    value, gradients = jax.value_and_grad(loss)(params)
    updates, opt_state = opt.update(gradients, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, key, value


@jax.jit
def evaluate(params):
    return (logits(params, test_x).argmax(1) == test_y).mean()


def save_ckpt(path, t):
    leaves = jax.tree.leaves((params, opt_state, jax.random.key_data(key)))
    with open(path, "wb") as f:
        np.savez(f, t=t, accuracy=accuracy, **{str(i): leaf for i, leaf in enumerate(leaves)})


def load_ckpt(path):
    global params, opt_state, key, accuracy
    saved = np.load(path)
    accuracy = float(saved["accuracy"])
    now = (params, opt_state, jax.random.key_data(key))
    leaves = [jnp.asarray(saved[str(i)]) for i in range(len(jax.tree.leaves(now)))]
    params, opt_state, data = jax.tree.unflatten(jax.tree.structure(now), leaves)
    key = jax.random.wrap_key_data(data)
    return int(saved["t"])


accuracy = evaluate(params)
for t in run.steps(save=save_ckpt, load=load_ckpt):
    params, opt_state, key, loss = train_step(params, opt_state, key)
    run.log(loss=loss, accuracy=accuracy)
    if (t + 1) % EPOCH == 0:
        accuracy = evaluate(params)
        print(f"step {t + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}")
