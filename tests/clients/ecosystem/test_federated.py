"""MonaiAlgo, the client of NVFlare: one round on the train bundle as it is."""

from __future__ import annotations

import pytest
import torch
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems, ModelType, WeightType
from monai.fl.utils.exchange_object import ExchangeObject

from tools.maintenance.verification.methods.iac_budgets import QUICK, STEPS

TINY = {"field_of_view": [32, 32, -1], "val_interval": 1, **QUICK.networks["unet"], **STEPS}


@pytest.fixture
def start(bundle_copy, hippocampus, tmp_path):
    """Return a function that starts a client, again and again in the same bundle."""
    root = bundle_copy("train")
    options = {"dataset_dir": str(hippocampus.phantom), "folds_file": str(tmp_path / "folds.json")}

    def client(epochs=1, **more):
        train = {**TINY, **options, **more}
        found = MonaiAlgo(
            str(root),
            local_epochs=epochs,
            train_kwargs=train,
            eval_kwargs={**TINY, **options},
        )
        found.initialize({ExtraItems.CLIENT_NAME: "site_1", ExtraItems.LOGGING_FILE: False})
        return found

    return client


@pytest.fixture
def algorithm(start):
    return start()


def weights_of(network):
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def test_a_round_of_training_and_evaluation(algorithm):
    received = weights_of(algorithm.trainer.network)
    algorithm.train(ExchangeObject(weights=received))
    assert algorithm.trainer.state.epoch == 1
    sent = algorithm.get_weights()
    assert sent.weight_type == WeightType.WEIGHT_DIFF
    assert any(bool(change.any()) for change in sent.weights.values())
    trained = weights_of(algorithm.trainer.network)
    for key, change in sent.weights.items():
        torch.testing.assert_close(received[key] + change, trained[key])

    best = algorithm.get_weights({ExtraItems.MODEL_TYPE: ModelType.BEST_MODEL})
    assert best.weights.keys() == trained.keys()

    metrics = algorithm.evaluate(ExchangeObject(weights=trained)).metrics
    assert 0 <= metrics["val_mean_dice"] <= 1
    for key, value in weights_of(algorithm.evaluator.network).items():
        assert torch.equal(value, trained[key]), key
    algorithm.finalize()


def test_a_client_that_was_restarted_goes_on(start, caplog):
    """The server's weights are new in every round; they are no other run of the client's."""
    first = start()
    received = weights_of(first.trainer.network)
    first.train(ExchangeObject(weights={key: value + 1 for key, value in received.items()}))
    first.finalize()
    second = start(2, resume=True)
    with caplog.at_level("INFO"):
        second.train(ExchangeObject(weights={key: value + 2 for key, value in received.items()}))
    assert second.trainer.state.epoch == 2
    assert "Resumed after epoch 1" in caplog.text
    assert "weights that were put into the network before this run give way" in caplog.text
    second.finalize()
