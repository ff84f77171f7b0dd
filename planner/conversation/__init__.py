"""``tomoplan chat`` and the service's conversation.

from planner.conversation import Conversation
talk = Conversation(["tooth.h5"])
print(talk.say("reconstruct it without rings").text)
print(talk.say("faster please").text)
"""

from planner.conversation.conversation import Conversation
from planner.conversation.told import Told, Turn

__all__ = ["Conversation", "Told", "Turn"]
