-- Which channels never change, and waste space?
--
-- Channels with one value in every frame of their sequence. They compress well, but every reader unpacks them: `bytes` is
-- their unpacked size.
SELECT f.sequence_key, s.name, min(s.min) AS value, count(*) AS frames,
       sum(s.sample_count * CASE s.type WHEN 'half' THEN 2 ELSE 4 END) AS bytes
FROM channel_stats AS s
JOIN pixels AS p ON p.file_id = s.file_id AND p.exact
JOIN files AS f ON f.file_id = s.file_id
WHERE f.sequence_key IS NOT NULL
GROUP BY 1, 2
HAVING bool_and(s.constant) AND min(s.min) = max(s.max) AND count(*) > 1
ORDER BY 5 DESC, 1, 2
